// SPDX-License-Identifier: Apache-2.0
#include "exec_d.h"

#include "child.h"
#include "failure.h"

static void run(struct text program, struct environment *environment) {
    struct text output = child_output(program, environment_strings(environment));
    enter(JOIN(T("failed to decode output from exec.d file at path '"), program, T("'")));
    exec_d_apply(output, environment);
    leave();
}

void exec_d_run(const struct layers *layers, struct text process_type, struct environment *environment) {
    enter(T("exec.d"));
    struct texts programs = layers_files(layers, T("exec.d"), process_type);
    for (size_t i = 0; i < programs.count; i++) {
        run(programs.items[i], environment);
    }
    leave();
}
