// SPDX-License-Identifier: Apache-2.0
// The environment variables of the process to come.
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include "index.h"
#include "text.h"

struct variable {
    struct text name;
    struct text value;
    struct variable *next;
};

// The variables in the order in which they were first set.
struct environment {
    struct variable *first, *last;
    struct index index;
};

// The inherited variables, without those that speak to the launcher, and without the launcher's directories in PATH.
struct environment environment_inherit(char *const *strings);

// The value, or an empty text when the variable is not set.
struct text environment_get(const struct environment *environment, struct text name);

void environment_set(struct environment *environment, struct text name, struct text value);

// The variables as execve wants them. Fails the launch when one holds a zero byte.
char **environment_strings(const struct environment *environment);

#endif
