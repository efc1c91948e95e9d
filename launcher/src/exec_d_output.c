// SPDX-License-Identifier: Apache-2.0
#include "exec_d.h"
#include "failure.h"
#include "toml.h"

void exec_d_apply(struct text output, struct environment *environment) {
    const struct toml_value *table = toml_parse(output);
    for (const struct toml_member *member = table->members.first; member != NULL; member = member->next) {
        if (member->value->kind != TOML_STRING) {
            fail(JOIN(T("toml: the value of "), text_quoted(member->key), T(" must be a string, not "),
                      toml_kind_name(member->value->kind)),
                 NO_HINT);
        }
    }
    for (const struct toml_member *member = table->members.first; member != NULL; member = member->next) {
        environment_set(environment, member->key, member->value->string);
    }
}
