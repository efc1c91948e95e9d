// SPDX-License-Identifier: Apache-2.0
// Copying and comparing raw bytes. Pointers may be null when the size is zero.
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>

// Copies to a place that does not overlap, and returns the end of the copy.
char *bytes_append(char *to, const char *from, size_t size);

// Negative, zero or positive, comparing as unsigned bytes.
int bytes_compare(const char *left, const char *right, size_t size);

#endif
