// SPDX-License-Identifier: Apache-2.0
// Paths, cleaned and joined the way Go's path/filepath does it on Unix.
#ifndef PATH_H
#define PATH_H

#include "text.h"

// The shortest equal path: no double slash, no "." and no ".." that could be resolved, "." when nothing is left.
struct text path_clean(struct text path);

// The non-empty parts with a slash between them, cleaned; empty when all parts are.
#define PATH(...) PATH_JOIN_ARRAY(((const struct text[]){__VA_ARGS__}))
#define PATH_JOIN_ARRAY(array) path_join(array, sizeof array / sizeof(struct text))

struct text path_join(const struct text *parts, size_t count);

// What follows the last slash.
struct text path_base(struct text path);

bool path_is_absolute(struct text path);

// The path seen from the root. Fails the launch when the current directory cannot be found.
struct text path_absolute(struct text path);

#endif
