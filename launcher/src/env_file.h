// SPDX-License-Identifier: Apache-2.0
// The rules by which a file in a layer's env directory changes one variable.
#ifndef ENV_FILE_H
#define ENV_FILE_H

#include "environment.h"

enum env_action { ENV_IGNORE, ENV_OVERRIDE, ENV_APPEND, ENV_PREPEND, ENV_PREPEND_PATH, ENV_DEFAULT };

struct env_file {
    struct text variable;
    enum env_action action;
};

// What a file's name asks for: NAME or NAME.<action>, split at the first dot.
struct env_file env_file_parse(struct text name);

// The name of the file whose content stands between old and new value, or an empty text when the action has none.
struct text env_file_delimiter_name(struct env_file file);

// Changes the variable. A missing delimiter is null.
void env_file_apply(struct env_file file, struct text content, const struct text *delimiter, struct environment *environment);

#endif
