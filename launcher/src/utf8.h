// SPDX-License-Identifier: Apache-2.0
// UTF-8 as RFC 3629 defines it.
#ifndef UTF8_H
#define UTF8_H

#include "text.h"

// The offset of the first byte that is zero or not part of a well-formed sequence, or the text's size.
size_t utf8_first_invalid(struct text text);

// Writes a code point and returns the end of it, or null when it is a surrogate or beyond U+10FFFF.
char *utf8_write(char *to, uint32_t point);

#endif
