// SPDX-License-Identifier: Apache-2.0
// Finding a thing by the name it has for its owner, in constant time however many there are.
#ifndef INDEX_H
#define INDEX_H

#include "text.h"

struct index_slot {
    const void *owner;
    struct text name;
    void *thing;
};

struct index {
    struct index_slot *slots;
    size_t capacity;
    size_t count;
};

// The thing, or null when the owner has none of that name.
void *index_find(const struct index *index, const void *owner, struct text name);

// Remembers a thing, not null, under a name that index_find does not know yet. The name is not copied.
void index_add(struct index *index, const void *owner, struct text name, void *thing);

#endif
