// SPDX-License-Identifier: Apache-2.0
#include "failure.h"

#include "bytes.h"
#include "kernel.h"

enum { PARTS = 8, STANDARD_ERROR = 2 };

static struct {
    int exit_code;
    struct text action;
    struct text parts[PARTS];
    size_t depth;
    bool plain;
} now = {.exit_code = CODE_LAUNCH};

// One line or two, written at once so that they do not mix with what others print.
static struct {
    char bytes[8192];
    size_t size;
} page;

static void flush(void) {
    size_t written = 0;
    while (written < page.size) {
        long count = kernel_write(STANDARD_ERROR, page.bytes + written, page.size - written);
        if (count <= 0 && count != -ERROR_INTERRUPTED) {
            break;
        }
        written += count > 0 ? (size_t)count : 0;
    }
    page.size = 0;
}

static void put(struct text text) {
    while (text.size > 0) {
        size_t room = sizeof page.bytes - page.size;
        size_t part = text.size < room ? text.size : room;
        bytes_append(page.bytes + page.size, text.at, part);
        page.size += part;
        text = text_slice(text, part, text.size);
        if (page.size == sizeof page.bytes) {
            flush();
        }
    }
}

void begin(int exit_code, struct text action) {
    now.exit_code = exit_code;
    now.action = action;
    now.depth = 0;
}

void enter(struct text part) {
    if (now.depth < PARTS) {
        now.parts[now.depth] = part;
    }
    now.depth++;
}

void leave(void) {
    now.depth--;
}

_Noreturn void fail(struct text message, struct text hint) {
    put(now.plain ? T("ERROR: ") : T("\033[31;1mERROR: \033[0m"));
    put(T("failed to "));
    put(now.action);
    for (size_t i = 0; i < now.depth && i < PARTS; i++) {
        put(T(": "));
        put(now.parts[i]);
    }
    if (message.size > 0) {
        put(T(": "));
        put(message);
    }
    put(T("\n"));
    if (hint.size > 0) {
        put(T("  "));
        put(hint);
        put(T("\n"));
    }
    flush();
    kernel_exit(now.exit_code);
}

void warn(struct text message) {
    put(now.plain ? T("Warning: ") : T("\033[33;1mWarning: \033[0m"));
    put(message);
    put(T("\n"));
    flush();
}

void use_color(bool color) {
    now.plain = !color;
}
