// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. In place of src/memory.c and src/failure.c they use malloc, so that the sanitizers see
// every allocation on its own, and a failure that returns to the harness.
#ifndef HARNESS_H
#define HARNESS_H

#include "text.h"

// Runs the target on one input until it returns or fails, then frees all it has taken.
void attempt(void (*target)(struct text input), const uint8_t *bytes, size_t size);

// Stops with a report when a promise is broken.
void promise(bool kept, const char *what);

// Whether the text is UTF-8, in which a zero byte may come from an escape.
bool is_unicode(struct text text);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
