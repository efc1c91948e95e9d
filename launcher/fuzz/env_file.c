// SPDX-License-Identifier: Apache-2.0
// Any files in env directories: the input is names and contents in turn, each ended by a zero byte. A content that begins
// with a slash is split at the next slash into delimiter and content.
#include "env_file.h"

#include "harness.h"

static bool ends_with(struct text text, struct text end) {
    return text.size >= end.size && text_equal(text_slice(text, text.size - end.size, text.size), end);
}

static bool begins_with(struct text text, struct text begin) {
    return text.size >= begin.size && text_equal(text_slice(text, 0, begin.size), begin);
}

static void apply(struct text name, struct text content, const struct text *delimiter, struct environment *environment) {
    struct env_file file = env_file_parse(name);
    struct text old = environment_get(environment, file.variable);
    env_file_apply(file, content, delimiter, environment);
    struct text now = environment_get(environment, file.variable);
    size_t between = delimiter != NULL ? delimiter->size : file.action == ENV_PREPEND_PATH;
    size_t joined = old.size == 0 ? content.size : old.size + between + content.size;
    switch (file.action) {
    case ENV_IGNORE:
        promise(text_equal(now, old), "an unknown suffix changes nothing");
        break;
    case ENV_OVERRIDE:
        promise(text_equal(now, content), "override replaces");
        break;
    case ENV_DEFAULT:
        promise(text_equal(now, old.size > 0 ? old : content), "default keeps what is there");
        break;
    case ENV_APPEND:
        promise(begins_with(now, old) && ends_with(now, content) && now.size == joined, "append puts behind");
        break;
    case ENV_PREPEND:
    case ENV_PREPEND_PATH:
        promise(begins_with(now, content) && ends_with(now, old) && now.size == joined, "prepend puts in front");
        break;
    }
}

static void target(struct text input) {
    char *inherited[] = {"PATH=/cnb/process:/bin:/cnb/lifecycle", "EMPTY=", "CNB_APP_DIR=/workspace", "odd", NULL};
    struct environment environment = environment_inherit(inherited);
    promise(text_equal(environment_get(&environment, T("PATH")), T("/bin")), "PATH is cleaned");
    for (size_t at = 0; at < input.size;) {
        size_t name_end = text_find(input, '\0', at);
        size_t from = name_end < input.size ? name_end + 1 : name_end;
        size_t to = text_find(input, '\0', from);
        struct text name = text_slice(input, at, name_end);
        struct text content = text_slice(input, from, to);
        at = to + 1;
        size_t split = text_find(content, '/', 1);
        if (content.size > 0 && content.at[0] == '/' && split < content.size) {
            struct text delimiter = text_slice(content, 1, split);
            apply(name, text_slice(content, split + 1, content.size), &delimiter, &environment);
        } else {
            apply(name, content, NULL, &environment);
        }
    }
    environment_strings(&environment);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    attempt(target, bytes, size);
    return 0;
}
