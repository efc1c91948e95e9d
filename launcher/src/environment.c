// SPDX-License-Identifier: Apache-2.0
#include "environment.h"

#include "failure.h"
#include "memory.h"

static bool is_for_launcher(struct text name) {
    return text_equal(name, T("CNB_LAYERS_DIR")) || text_equal(name, T("CNB_APP_DIR")) ||
           text_equal(name, T("CNB_PROCESS_TYPE")) || text_equal(name, T("CNB_PLATFORM_API")) ||
           text_equal(name, T("CNB_DEPRECATION_MODE"));
}

// A search path without the directories that hold the launcher and its links, wherever they stand.
static struct text without_launcher(struct text path) {
    struct texts kept = {0};
    for (size_t from = 0; from <= path.size;) {
        size_t to = text_find(path, ':', from);
        struct text directory = text_slice(path, from, to);
        if (!text_equal(directory, T("/cnb/process")) && !text_equal(directory, T("/cnb/lifecycle"))) {
            texts_add(&kept, directory);
        }
        from = to + 1;
    }
    return texts_join(kept, T(":"));
}

struct environment environment_inherit(char *const *strings) {
    struct environment environment = {0};
    for (; *strings != NULL; strings++) {
        struct text entry = text_of(*strings);
        size_t sign = text_find(entry, '=', 0);
        struct text name = text_slice(entry, 0, sign);
        if (sign < entry.size && !is_for_launcher(name)) {
            environment_set(&environment, name, text_slice(entry, sign + 1, entry.size));
        }
    }
    struct variable *path = index_find(&environment.index, NULL, T("PATH"));
    if (path != NULL) {
        path->value = without_launcher(path->value);
    }
    return environment;
}

struct text environment_get(const struct environment *environment, struct text name) {
    const struct variable *variable = index_find(&environment->index, NULL, name);
    return variable == NULL ? T("") : variable->value;
}

void environment_set(struct environment *environment, struct text name, struct text value) {
    struct variable *variable = index_find(&environment->index, NULL, name);
    if (variable == NULL) {
        variable = allocate(sizeof *variable);
        variable->name = name;
        if (environment->last == NULL) {
            environment->first = variable;
        } else {
            environment->last->next = variable;
        }
        environment->last = variable;
        index_add(&environment->index, NULL, name, variable);
    }
    variable->value = value;
}

char **environment_strings(const struct environment *environment) {
    char **strings = allocate_array(environment->index.count + 1, sizeof(char *));
    char **end = strings;
    for (const struct variable *variable = environment->first; variable != NULL; variable = variable->next) {
        struct text entry = JOIN(variable->name, T("="), variable->value);
        if (text_find(entry, '\0', 0) < entry.size) {
            fail(JOIN(T("environment variable "), text_quoted(variable->name), T(" contains a zero byte")),
                 T("an env file or an exec.d program of a layer sets it"));
        }
        *end++ = text_string(entry);
    }
    return strings;
}
