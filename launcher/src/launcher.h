// SPDX-License-Identifier: Apache-2.0
// The launch, from the arguments the kernel hands over to the process that replaces the launcher.
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include "environment.h"
#include "layer.h"
#include "process.h"

// Both lists end with a null; the first holds the name the launcher was called by and the arguments.
_Noreturn void launcher(char *const *arguments, char *const *environment);

// What is known when the process is about to start.
struct launch {
    struct process process;
    struct text self;
    struct text app_directory;
    struct text working_directory;
    const struct metadata *metadata;
    const struct layers *layers;
    const struct environment *environment;
};

// Becomes the process itself.
_Noreturn void launch_direct(const struct launch *launch);

// Becomes a bash that sources the profile scripts and then becomes the process.
_Noreturn void launch_in_shell(const struct launch *launch);

// Becomes the program. When that cannot be, fails the launch with "<part>: <reason>".
_Noreturn void launch_program(struct text part, struct text program, struct texts arguments, const struct environment *environment);

#endif
