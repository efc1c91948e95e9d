// SPDX-License-Identifier: Apache-2.0
// Which process to start.
#ifndef PROCESS_H
#define PROCESS_H

#include "metadata.h"

// What the launcher was asked for.
struct request {
    struct api platform;
    struct text self;      // the name it was called by
    struct texts args;     // what followed
    struct text exec_env;
};

// The process with the launcher's name as its type and the user's arguments in place, else the user's own command.
// Fails the launch when there is neither.
struct process process_choose(const struct metadata *metadata, struct request request);

#endif
