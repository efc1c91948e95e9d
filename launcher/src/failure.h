// SPDX-License-Identifier: Apache-2.0
// How a launch ends badly: one line that says what was being done and what was found, one that says what to do.
#ifndef FAILURE_H
#define FAILURE_H

#include "text.h"

// Exit codes of the CNB Platform specification.
enum {
    CODE_METADATA = 1,
    CODE_PLATFORM_API = 11,
    CODE_BUILDPACK_API = 12,
    CODE_LAUNCH = 82,
};

#define NO_HINT ((struct text){0})

// Says what the launcher does from now on ("launch" gives "failed to launch") and the exit code if that fails.
void begin(int exit_code, struct text action);

// Says which part of the action runs, until the matching leave(). Parts nest at most eight deep.
void enter(struct text part);
void leave(void);

// Prints "ERROR: failed to <action>: <part>: <message>", the hint on a second line, and exits with the action's code.
// An empty message or hint is left out.
_Noreturn void fail(struct text message, struct text hint);

// Prints "Warning: <message>".
void warn(struct text message);

// Whether the words ERROR and Warning are coloured; they are until told otherwise.
void use_color(bool color);

// What an error number of the kernel means, in the words of Go's syscall package.
struct text reason_of(long error_number);

#endif
