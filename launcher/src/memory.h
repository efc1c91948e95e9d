// SPDX-License-Identifier: Apache-2.0
// Memory that is only ever taken: the launcher lives for a millisecond and then becomes the process it starts.
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

// Zeroed memory for any type. Fails the launch when all allocations together pass the launcher's bound.
void *allocate(size_t size);

// Zeroed memory for `count` things of one size. Fails the launch as allocate does.
void *allocate_array(size_t count, size_t size);

#endif
