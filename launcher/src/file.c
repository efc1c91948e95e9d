// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include "bytes.h"
#include "failure.h"
#include "kernel.h"
#include "memory.h"

static void check_type(struct text path, int file) {
    long mode = kernel_mode_of(file);
    if (mode >= 0 && (mode & MODE_TYPE) != MODE_REGULAR && (mode & MODE_TYPE) != MODE_DEVICE &&
        (mode & MODE_TYPE) != MODE_DIRECTORY) {
        fail(JOIN(T("read "), path, T(": not a regular file")), NO_HINT);
    }
}

// Reads to the end; the room doubles whenever it is full.
static long read_all(struct text path, int file, size_t limit, struct text *content) {
    size_t room = 4096;
    char *bytes = allocate(room);
    size_t size = 0;
    for (;;) {
        if (size > limit) {
            fail(JOIN(T("read "), path, T(": larger than "), text_of_number(limit), T(" bytes")), NO_HINT);
        }
        if (size == room) {
            char *more = allocate(room * 2);
            bytes_append(more, bytes, size);
            bytes = more;
            room *= 2;
        }
        long count = kernel_read(file, bytes + size, room - size);
        if (count == 0) {
            *content = (struct text){bytes, size};
            return 0;
        }
        if (count < 0 && count != -ERROR_INTERRUPTED) {
            return -count;
        }
        size += count > 0 ? (size_t)count : 0;
    }
}

long file_read(struct text path, size_t limit, struct text *content) {
    long file = kernel_open(text_string(path));
    if (file < 0) {
        return -file;
    }
    check_type(path, (int)file);
    long error = read_all(path, (int)file, limit, content);
    kernel_close((int)file);
    return error;
}

static void add(struct entries *entries, struct entry entry) {
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity == 0 ? 16 : entries->capacity * 2;
        struct entry *items = allocate_array(capacity, sizeof(struct entry));
        for (size_t i = 0; i < entries->count; i++) {
            items[i] = entries->items[i];
        }
        entries->items = items;
        entries->capacity = capacity;
    }
    entries->items[entries->count++] = entry;
}

static enum entry_kind kind_of(int directory, const struct kernel_entry *entry) {
    if (entry->type != ENTRY_UNKNOWN) {
        return entry->type == ENTRY_DIRECTORY ? KIND_DIRECTORY : entry->type == ENTRY_LINK ? KIND_LINK : KIND_OTHER;
    }
    // Some file systems do not keep the type in the directory.
    long mode = kernel_mode_in(directory, entry->name);
    if (mode < 0) {
        return KIND_OTHER;
    }
    return (mode & MODE_TYPE) == MODE_DIRECTORY ? KIND_DIRECTORY
           : (mode & MODE_TYPE) == MODE_LINK    ? KIND_LINK
                                                : KIND_OTHER;
}

// Moves the entry at `root` down until none below it is larger.
static void sift(struct entry *items, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && text_compare(items[child].name, items[child + 1].name) < 0) {
            child++;
        }
        if (text_compare(items[root].name, items[child].name) >= 0) {
            return;
        }
        struct entry larger = items[child];
        items[child] = items[root];
        items[root] = larger;
    }
}

// Heap sort: in place, and never slow.
static void sort(struct entries *entries) {
    struct entry *items = entries->items;
    for (size_t root = entries->count / 2; root-- > 0;) {
        sift(items, root, entries->count);
    }
    for (size_t last = entries->count; last-- > 1;) {
        struct entry largest = items[0];
        items[0] = items[last];
        items[last] = largest;
        sift(items, 0, last);
    }
}

static long directory_read(struct text path, struct entries *entries) {
    static _Alignas(struct kernel_entry) char block[32768];
    *entries = (struct entries){0};
    long directory = kernel_open_directory(text_string(path));
    if (directory < 0) {
        return -directory;
    }
    long size;
    while ((size = kernel_list((int)directory, block, sizeof block)) > 0) {
        for (long at = 0; at < size;) {
            const struct kernel_entry *entry = (const struct kernel_entry *)(block + at);
            struct text name = text_of(entry->name);
            if (!text_equal(name, T(".")) && !text_equal(name, T(".."))) {
                add(entries, (struct entry){JOIN(name), kind_of((int)directory, entry)});
            }
            at += entry->size;
        }
    }
    kernel_close((int)directory);
    sort(entries);
    return -size;
}

struct entries directory_entries(struct text path) {
    struct entries entries;
    long error = directory_read(path, &entries);
    if (error == ERROR_NOT_FOUND) {
        return (struct entries){0};
    }
    if (error != 0) {
        fail(JOIN(T("open "), path, T(": "), reason_of(error)), NO_HINT);
    }
    return entries;
}
