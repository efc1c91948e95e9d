// SPDX-License-Identifier: Apache-2.0
// Any bytes as the output of an exec.d program.
#include "exec_d.h"

#include "harness.h"
#include "toml.h"

static void target(struct text input) {
    struct environment environment = {0};
    exec_d_apply(input, &environment);
    const struct toml_value *table = toml_parse(input);
    size_t count = 0;
    for (const struct toml_member *member = table->members.first; member != NULL; member = member->next) {
        struct text value = environment_get(&environment, member->key);
        promise(is_unicode(member->key) && is_unicode(value), "names and values are Unicode");
        promise(text_equal(value, member->value->string), "every variable is set");
        count++;
    }
    promise(count == environment.index.count, "nothing else is set");
    environment_strings(&environment);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    attempt(target, bytes, size);
    return 0;
}
