// SPDX-License-Identifier: Apache-2.0
#include "env_file.h"

static enum env_action action_of(struct text suffix) {
    return text_equal(suffix, T("override"))  ? ENV_OVERRIDE
           : text_equal(suffix, T("append"))  ? ENV_APPEND
           : text_equal(suffix, T("prepend")) ? ENV_PREPEND
           : text_equal(suffix, T("default")) ? ENV_DEFAULT
           : suffix.size == 0                 ? ENV_PREPEND_PATH
                                              : ENV_IGNORE;
}

struct env_file env_file_parse(struct text name) {
    size_t dot = text_find(name, '.', 0);
    if (dot == name.size) {
        return (struct env_file){name, ENV_OVERRIDE};
    }
    return (struct env_file){text_slice(name, 0, dot), action_of(text_slice(name, dot + 1, name.size))};
}

struct text env_file_delimiter_name(struct env_file file) {
    bool joins = file.action == ENV_APPEND || file.action == ENV_PREPEND || file.action == ENV_PREPEND_PATH;
    return joins ? JOIN(file.variable, T(".delim")) : T("");
}

void env_file_apply(struct env_file file, struct text content, const struct text *delimiter, struct environment *environment) {
    struct text old = environment_get(environment, file.variable);
    struct text between = delimiter != NULL ? *delimiter : file.action == ENV_PREPEND_PATH ? T(":") : T("");
    switch (file.action) {
    case ENV_IGNORE:
        return;
    case ENV_OVERRIDE:
        break;
    case ENV_DEFAULT:
        content = old.size > 0 ? old : content;
        break;
    case ENV_APPEND:
        content = old.size > 0 ? JOIN(old, between, content) : content;
        break;
    case ENV_PREPEND:
    case ENV_PREPEND_PATH:
        content = old.size > 0 ? JOIN(content, between, old) : content;
        break;
    }
    environment_set(environment, file.variable, content);
}
