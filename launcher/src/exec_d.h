// SPDX-License-Identifier: Apache-2.0
// Programs of layers that run before the process and set variables for it.
#ifndef EXEC_D_H
#define EXEC_D_H

#include "environment.h"
#include "layer.h"

// Runs the programs of all layers one after the other. Each sees what the ones before it have set.
void exec_d_run(const struct layers *layers, struct text process_type, struct environment *environment);

// Sets the variables that a program wrote: a flat TOML table of strings.
void exec_d_apply(struct text output, struct environment *environment);

#endif
