// SPDX-License-Identifier: Apache-2.0
#include "index.h"

#include "memory.h"

static uint64_t mix(uint64_t hash, unsigned char byte) {
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

// FNV-1a over the owner's address and the name.
static uint64_t hash_of(const void *owner, struct text name) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uintptr_t rest = (uintptr_t)owner; rest != 0; rest >>= 8) {
        hash = mix(hash, (unsigned char)rest);
    }
    for (size_t i = 0; i < name.size; i++) {
        hash = mix(hash, (unsigned char)name.at[i]);
    }
    return hash ^ hash >> 32;
}

// The slot that holds the name, or the empty one where it belongs. The capacity is a power of two, never full.
static struct index_slot *slot_of(const struct index *index, const void *owner, struct text name) {
    size_t last = index->capacity - 1;
    for (size_t at = (size_t)hash_of(owner, name) & last;; at = (at + 1) & last) {
        struct index_slot *slot = &index->slots[at];
        if (slot->thing == NULL || (slot->owner == owner && text_equal(slot->name, name))) {
            return slot;
        }
    }
}

void *index_find(const struct index *index, const void *owner, struct text name) {
    return index->capacity == 0 ? NULL : slot_of(index, owner, name)->thing;
}

static void grow(struct index *index) {
    struct index old = *index;
    index->capacity = old.capacity == 0 ? 64 : old.capacity * 2;
    index->slots = allocate_array(index->capacity, sizeof(struct index_slot));
    for (size_t i = 0; i < old.capacity; i++) {
        struct index_slot *slot = &old.slots[i];
        if (slot->thing != NULL) {
            *slot_of(index, slot->owner, slot->name) = *slot;
        }
    }
}

void index_add(struct index *index, const void *owner, struct text name, void *thing) {
    if (index->count >= index->capacity / 2) {
        grow(index);
    }
    *slot_of(index, owner, name) = (struct index_slot){owner, name, thing};
    index->count++;
}
