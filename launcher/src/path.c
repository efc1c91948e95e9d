// SPDX-License-Identifier: Apache-2.0
#include "path.h"

#include "bytes.h"
#include "failure.h"
#include "kernel.h"
#include "memory.h"

enum { LONGEST = 4096 };

// Drops the last element of what has been written, but not beyond `floor`.
static char *parent(char *floor, char *end) {
    while (end > floor && *--end != '/') {
    }
    return end;
}

struct text path_clean(struct text path) {
    bool rooted = path_is_absolute(path);
    char *clean = allocate(path.size + 2);
    char *end = clean;
    if (rooted) {
        *end++ = '/';
    }
    char *floor = end;  // ".." cannot go back beyond this
    for (size_t from = 0; from < path.size;) {
        size_t to = text_find(path, '/', from);
        struct text element = text_slice(path, from, to);
        from = to + 1;
        if (element.size == 0 || text_equal(element, T("."))) {
            continue;
        }
        bool up = text_equal(element, T(".."));
        if (up && end > floor) {
            end = parent(floor, end);
            continue;
        }
        if (up && rooted) {
            continue;
        }
        if (end > clean + rooted) {
            *end++ = '/';
        }
        end = bytes_append(end, element.at, element.size);
        if (up) {
            floor = end;
        }
    }
    if (end == clean) {
        *end++ = '.';
    }
    return (struct text){clean, (size_t)(end - clean)};
}

struct text path_join(const struct text *parts, size_t count) {
    struct texts filled = {0};
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0) {
            texts_add(&filled, parts[i]);
        }
    }
    return filled.count == 0 ? T("") : path_clean(texts_join(filled, T("/")));
}

struct text path_base(struct text path) {
    size_t from = path.size;
    while (from > 0 && path.at[from - 1] != '/') {
        from--;
    }
    return text_slice(path, from, path.size);
}

bool path_is_absolute(struct text path) {
    return path.size > 0 && path.at[0] == '/';
}

struct text path_absolute(struct text path) {
    if (path_is_absolute(path)) {
        return path_clean(path);
    }
    char here[LONGEST];
    long size = kernel_current_directory(here, sizeof here);
    if (size < 0) {
        fail(JOIN(T("getwd: "), reason_of(-size)), NO_HINT);
    }
    return PATH(text_of(here), path);
}
