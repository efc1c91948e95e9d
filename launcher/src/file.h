// SPDX-License-Identifier: Apache-2.0
// Reading whole files and whole directories.
#ifndef FILE_H
#define FILE_H

#include "text.h"

enum entry_kind { KIND_DIRECTORY, KIND_LINK, KIND_OTHER };

struct entry {
    struct text name;
    enum entry_kind kind;
};

// The entries of a directory, in the order of the bytes of their names.
struct entries {
    struct entry *items;
    size_t count;
    size_t capacity;
};

// Zero and the file's bytes, or an error number. Fails the launch when the file holds more than `limit` bytes or is
// neither a regular file nor a device.
long file_read(struct text path, size_t limit, struct text *content);

// The entries; none when there is no such directory. Fails the launch when it cannot be read.
struct entries directory_entries(struct text path);

#endif
