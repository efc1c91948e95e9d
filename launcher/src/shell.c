// SPDX-License-Identifier: Apache-2.0
#include "failure.h"
#include "kernel.h"
#include "launcher.h"
#include "memory.h"
#include "path.h"

// A path between double quotes: nothing in it means anything to bash.
static struct text quoted_path(struct text path) {
    struct texts pieces = {0};
    texts_add(&pieces, T("\""));
    for (size_t i = 0; i < path.size; i++) {
        char byte = path.at[i];
        if (byte == '"' || byte == '$' || byte == '`' || byte == '\\') {
            texts_add(&pieces, T("\\"));
        }
        texts_add(&pieces, text_slice(path, i, i + 1));
    }
    texts_add(&pieces, T("\""));
    return text_join(pieces.items, pieces.count);
}

// The profile scripts of the layers, then the app's own.
static struct texts profiles_of(const struct launch *launch) {
    enter(T("find profiles"));
    struct texts profiles = layers_files(launch->layers, T("profile.d"), launch->process.type);
    struct text path = PATH(launch->app_directory, T(".profile"));
    long mode = kernel_mode(text_string(path));
    if (mode < 0 && mode != -ERROR_NOT_FOUND) {
        fail(JOIN(T("failed to determine if app profile script exists at path '"), path, T("': "), reason_of(-mode)), NO_HINT);
    }
    if (mode >= 0 && (mode & MODE_TYPE) != MODE_DIRECTORY) {
        texts_add(&profiles, T(".profile"));
    }
    leave();
    return profiles;
}

// The nested bash when there are arguments: the words of its command are the command and each argument, every one
// expanded once by the nested bash as if it stood in double quotes.
static struct text expanding_words(size_t count) {
    struct texts pieces = {0};
    texts_add(&pieces, T("exec bash -c '"));
    for (size_t i = 0; i < count; i++) {
        texts_add(&pieces, JOIN(i == 0 ? T("") : T(" "), T("\"$(eval echo \\\"${"), text_of_number(i), T("}\\\")\"")));
    }
    texts_add(&pieces, T("' \"$@\""));
    return text_join(pieces.items, pieces.count);
}

// What the outer bash runs; its $1 is the command, followed by the arguments. The working directory may name variables.
static struct text script_of(const struct launch *launch) {
    struct texts profiles = profiles_of(launch);
    struct texts pieces = {0};
    for (size_t i = 0; i < profiles.count; i++) {
        texts_add(&pieces, JOIN(T("source "), quoted_path(profiles.items[i]), T("\n")));
    }
    texts_add(&pieces, JOIN(T("cd \""), launch->working_directory, T("\"\n")));
    size_t args = launch->process.args.count;
    texts_add(&pieces, args == 0 ? T("exec bash -c \"$@\"") : expanding_words(args + 1));
    return text_join(pieces.items, pieces.count);
}

static void check_buildpack(const struct launch *launch) {
    struct text id = launch->process.buildpack;
    if (launch->process.args.count > 0 && id.size > 0 && metadata_buildpack(launch->metadata, id) == NULL) {
        fail(JOIN(T("process type '"), launch->process.type, T("' provided by unknown buildpack '"), id, T("'")), NO_HINT);
    }
}

_Noreturn void launch_in_shell(const struct launch *launch) {
    struct texts arguments = {0};
    texts_add(&arguments, T("bash"));
    texts_add(&arguments, T("-c"));
    texts_add(&arguments, script_of(launch));
    check_buildpack(launch);
    texts_add(&arguments, launch->self);
    texts_add(&arguments, texts_join(launch->process.command, T(" ")));
    texts_add_all(&arguments, launch->process.args);
    launch_program(T("bash exec"), T("/bin/bash"), arguments, launch->environment);
}
