// SPDX-License-Identifier: Apache-2.0
// What layers change in the environment: search paths first, then env files.
#include "env_file.h"
#include "failure.h"
#include "file.h"
#include "kernel.h"
#include "layer.h"
#include "path.h"

// The kernel itself bounds one variable to 128 KiB (2 MiB where pages have 64 KiB).
static const size_t LARGEST_ENV_FILE = (size_t)2 << 20;

static bool exists(struct text path) {
    long mode = kernel_mode(text_string(path));
    if (mode < 0 && mode != -ERROR_NOT_FOUND) {
        fail(JOIN(T("stat "), path, T(": "), reason_of(-mode)), NO_HINT);
    }
    return mode >= 0;
}

// Puts <layer>/<folder>, if it is there, in front of a search path.
static void add_root(struct text layer, struct text folder, struct text variable, struct environment *environment) {
    struct text directory = PATH(layer, folder);
    if (!exists(directory)) {
        return;
    }
    struct text old = environment_get(environment, variable);
    environment_set(environment, variable, old.size == 0 ? directory : JOIN(directory, T(":"), old));
}

static void add_roots(struct texts layers, struct environment *environment) {
    enter(T("add layer root"));
    for (size_t i = 0; i < layers.count; i++) {
        struct text layer = path_absolute(layers.items[i]);
        add_root(layer, T("bin"), T("PATH"), environment);
        add_root(layer, T("lib"), T("LD_LIBRARY_PATH"), environment);
    }
    leave();
}

static bool is_file(struct text directory, struct entry entry) {
    if (entry.kind != KIND_LINK) {
        return entry.kind != KIND_DIRECTORY;
    }
    struct text path = PATH(directory, entry.name);
    long mode = kernel_mode(text_string(path));
    if (mode < 0) {
        fail(JOIN(T("stat "), path, T(": "), reason_of(-mode)), NO_HINT);
    }
    return (mode & MODE_TYPE) != MODE_DIRECTORY;
}

static void add_env_file(struct text directory, struct text name, struct environment *environment) {
    struct env_file file = env_file_parse(name);
    struct text path = PATH(directory, name);
    struct text content;
    struct text delimiter;
    long error = file_read(path, LARGEST_ENV_FILE, &content);
    if (error != 0) {
        fail(JOIN(T("open "), path, T(": "), reason_of(error)), NO_HINT);
    }
    struct text delimiter_name = env_file_delimiter_name(file);
    bool delimited = delimiter_name.size > 0 &&
                     file_read(PATH(directory, delimiter_name), LARGEST_ENV_FILE, &delimiter) == 0;
    env_file_apply(file, content, delimited ? &delimiter : NULL, environment);
}

static void add_env_directory(struct text directory, struct environment *environment) {
    enter(JOIN(T("apply env files from dir '"), directory, T("'")));
    struct entries entries = directory_entries(directory);
    for (size_t i = 0; i < entries.count; i++) {
        if (is_file(directory, entries.items[i])) {
            add_env_file(directory, entries.items[i].name, environment);
        }
    }
    leave();
}

static void add_env_files(struct texts layers, struct text process_type, struct environment *environment) {
    enter(T("add layer env"));
    for (size_t i = 0; i < layers.count; i++) {
        struct text launch = PATH(layers.items[i], T("env.launch"));
        add_env_directory(PATH(layers.items[i], T("env")), environment);
        add_env_directory(launch, environment);
        if (process_type.size > 0) {
            add_env_directory(PATH(launch, process_type), environment);
        }
    }
    leave();
}

void layers_modify(const struct layers *layers, struct text process_type, struct environment *environment) {
    enter(T("modify env"));
    for (size_t i = 0; i < layers->count; i++) {
        add_roots(layers->groups[i].directories, environment);
        add_env_files(layers->groups[i].directories, process_type, environment);
    }
    leave();
}
