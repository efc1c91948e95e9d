// SPDX-License-Identifier: Apache-2.0
#include "memory.h"

#include <stdint.h>

#include "failure.h"
#include "kernel.h"

enum { ALIGNMENT = 16, REGION = 1 << 20 };

// The largest metadata.toml (see metadata.c) can become about twenty times its size as a tree of values.
static const size_t BOUND = (size_t)512 << 20;

static char *free_from;
static size_t free_size;
static size_t taken;

static _Noreturn void out_of_memory(void) {
    fail(T("out of memory"), T("the launcher's inputs need more memory than is available or than it allows itself (512 MiB)"));
}

void *allocate(size_t size) {
    if (size > BOUND) {
        out_of_memory();
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > free_size) {
        size_t region = size > REGION ? size : REGION;
        if (region > BOUND - taken) {
            out_of_memory();
        }
        void *fresh = kernel_map(region);
        if (fresh == NULL) {
            out_of_memory();
        }
        taken += region;
        free_from = fresh;
        free_size = region;
    }
    void *place = free_from;
    free_from += size;
    free_size -= size;
    return place;
}

void *allocate_array(size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) {
        out_of_memory();
    }
    return allocate(count * size);
}
