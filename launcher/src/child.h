// SPDX-License-Identifier: Apache-2.0
// Running one exec.d program to its end.
#ifndef CHILD_H
#define CHILD_H

#include "text.h"

// Runs the program without arguments and without standard input, and returns what it wrote to file descriptor 3.
// Fails the launch when it cannot be started or does not end well. A signal that asks the launcher to end goes to the
// program, and afterwards the launcher ends by it too, also as process 1.
struct text child_output(struct text program, char *const *environment);

#endif
