// SPDX-License-Identifier: Apache-2.0
#include "harness.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "memory.h"
#include "utf8.h"

static const size_t BOUND = (size_t)64 << 20;

struct block {
    struct block *next;
    _Alignas(16) char bytes[];
};

static struct block *blocks;
static size_t taken;
static jmp_buf back;
static int depth;

void *allocate(size_t size) {
    if (size > BOUND - taken) {
        fail(T("out of memory"), NO_HINT);
    }
    taken += size;
    struct block *block = calloc(1, sizeof *block + size);
    promise(block != NULL, "the machine has memory for a run");
    block->next = blocks;
    blocks = block;
    return block->bytes;
}

void *allocate_array(size_t count, size_t size) {
    promise(size == 0 || count <= SIZE_MAX / size, "no array is larger than all memory");
    return allocate(count * size);
}

void begin(int exit_code, struct text action) {
    promise(exit_code != 0 && action.size > 0, "an action has a name and a code to fail with");
    depth = 0;
}

void enter(struct text part) {
    promise(part.size > 0 && ++depth <= 8, "parts have names and nest at most eight deep");
}

void leave(void) {
    promise(--depth >= 0, "what is left has been entered");
}

_Noreturn void fail(struct text message, struct text hint) {
    // Reads every byte, so that a message made of foreign memory is noticed.
    volatile unsigned sum = 0;
    for (size_t i = 0; i < message.size; i++) {
        sum += (unsigned char)message.at[i];
    }
    for (size_t i = 0; i < hint.size; i++) {
        sum += (unsigned char)hint.at[i];
    }
    longjmp(back, 1);
}

void warn(struct text message) {
    (void)message;
}

void use_color(bool color) {
    (void)color;
}

void promise(bool kept, const char *what) {
    if (!kept) {
        fprintf(stderr, "broken promise: %s\n", what);
        abort();
    }
}

bool is_unicode(struct text text) {
    while (text.size > 0) {
        size_t bad = utf8_first_invalid(text);
        if (bad == text.size) {
            return true;
        }
        if (text.at[bad] != '\0') {
            return false;
        }
        text = text_slice(text, bad + 1, text.size);
    }
    return true;
}

void attempt(void (*target)(struct text input), const uint8_t *bytes, size_t size) {
    char *copy = malloc(size == 0 ? 1 : size);
    promise(copy != NULL, "the machine has memory for an input");
    memcpy(copy, bytes, size);
    depth = 0;
    if (setjmp(back) == 0) {
        target((struct text){copy, size});
        promise(depth == 0, "what is entered is left");
    }
    while (blocks != NULL) {
        struct block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
    taken = 0;
    free(copy);
}
