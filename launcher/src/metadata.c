// SPDX-License-Identifier: Apache-2.0
#include "metadata.h"

#include "failure.h"
#include "file.h"
#include "memory.h"
#include "path.h"
#include "toml.h"

enum { OLDEST_BUILDPACK_API = 7, NEWEST_BUILDPACK_API = 12 };

// Far beyond any real file; old platforms kept bills of materials in it.
static const size_t LARGEST = (size_t)16 << 20;

// One table of an array of tables, and what to call it in an error.
struct record {
    const struct toml_value *table;
    struct text name;
    size_t number;
};

static _Noreturn void fail_kind(struct record record, struct text key, struct text wanted, const struct toml_value *value) {
    fail(JOIN(T("toml: "), key, T(" of "), record.name, T(" number "), text_of_number(record.number), T(" must be "), wanted,
              T(", not "), toml_kind_name(value->kind)),
         NO_HINT);
}

static struct text string_of(struct record record, struct text key) {
    const struct toml_value *value = toml_get(record.table, key);
    if (value == NULL) {
        return T("");
    }
    if (value->kind != TOML_STRING) {
        fail_kind(record, key, T("a string"), value);
    }
    return value->string;
}

static bool boolean_of(struct record record, struct text key) {
    const struct toml_value *value = toml_get(record.table, key);
    if (value != NULL && value->kind != TOML_BOOLEAN) {
        fail_kind(record, key, T("a boolean"), value);
    }
    return value != NULL && value->boolean;
}

static struct texts strings_in(struct record record, struct text key, const struct toml_value *array) {
    struct texts strings = {0};
    for (const struct toml_member *member = array->members.first; member != NULL; member = member->next) {
        if (member->value->kind != TOML_STRING) {
            fail_kind(record, key, T("an array of strings"), member->value);
        }
        texts_add(&strings, member->value->string);
    }
    return strings;
}

static struct texts strings_of(struct record record, struct text key) {
    const struct toml_value *value = toml_get(record.table, key);
    if (value == NULL) {
        return (struct texts){0};
    }
    if (value->kind != TOML_ARRAY) {
        fail_kind(record, key, T("an array of strings"), value);
    }
    return strings_in(record, key, value);
}

// Before Platform API 0.10 the command was one string.
static struct texts command_of(struct record record) {
    const struct toml_value *value = toml_get(record.table, T("command"));
    struct texts command = {0};
    if (value == NULL) {
        return command;
    }
    if (value->kind == TOML_STRING) {
        texts_add(&command, value->string);
        return command;
    }
    if (value->kind != TOML_ARRAY) {
        fail_kind(record, T("command"), T("a string or an array of strings"), value);
    }
    return strings_in(record, T("command"), value);
}

// The array of tables with the name, and how many there are; a missing one is empty.
static const struct toml_member *records_of(const struct toml_value *root, struct text name, size_t *count) {
    const struct toml_value *array = toml_get(root, name);
    *count = 0;
    if (array == NULL) {
        return NULL;
    }
    bool tables = array->kind == TOML_ARRAY;
    for (const struct toml_member *member = tables ? array->members.first : NULL; member != NULL; member = member->next) {
        tables = tables && member->value->kind == TOML_TABLE;
        ++*count;
    }
    if (!tables) {
        fail(JOIN(T("toml: "), name, T(" must be an array of tables")), NO_HINT);
    }
    return array->members.first;
}

static void read_processes(struct metadata *metadata, const struct toml_value *root) {
    const struct toml_member *member = records_of(root, T("processes"), &metadata->process_count);
    metadata->processes = allocate_array(metadata->process_count, sizeof(struct process));
    for (size_t i = 0; i < metadata->process_count; i++, member = member->next) {
        struct record record = {member->value, T("[[processes]]"), i + 1};
        metadata->processes[i] = (struct process){
            .type = string_of(record, T("type")),
            .command = command_of(record),
            .args = strings_of(record, T("args")),
            .direct = boolean_of(record, T("direct")),
            .buildpack = string_of(record, T("buildpack-id")),
            .working_directory = string_of(record, T("working-dir")),
            .exec_env = strings_of(record, T("exec-env")),
        };
    }
}

// Checks after the whole file has been read, so that a damaged file is reported as such.
static struct api verified_api(struct text id, struct text text) {
    struct api api;
    if (!api_parse(text, &api)) {
        begin(CODE_BUILDPACK_API, JOIN(T("parse buildpack API '"), text, T("' for buildpack '"), id, T("'")));
        fail(T(""), NO_HINT);
    }
    if (!api_is_between(api, OLDEST_BUILDPACK_API, NEWEST_BUILDPACK_API)) {
        begin(CODE_BUILDPACK_API, JOIN(T("set API for buildpack '"), id, T("'")));
        fail(JOIN(T("buildpack API version '"), text, T("' is incompatible with the lifecycle")),
             T("this launcher knows Buildpack API 0.7 to 0.12"));
    }
    return api;
}

static void read_buildpacks(struct metadata *metadata, const struct toml_value *root) {
    const struct toml_member *member = records_of(root, T("buildpacks"), &metadata->buildpack_count);
    struct texts apis = {0};
    metadata->buildpacks = allocate_array(metadata->buildpack_count, sizeof(struct buildpack));
    for (size_t i = 0; i < metadata->buildpack_count; i++, member = member->next) {
        struct record record = {member->value, T("[[buildpacks]]"), i + 1};
        metadata->buildpacks[i].id = string_of(record, T("id"));
        texts_add(&apis, string_of(record, T("api")));
    }
    for (size_t i = 0; i < metadata->buildpack_count; i++) {
        metadata->buildpacks[i].api = verified_api(metadata->buildpacks[i].id, apis.items[i]);
    }
}

struct metadata metadata_parse(struct text document) {
    begin(CODE_METADATA, T("read metadata"));
    const struct toml_value *root = toml_parse(document);
    struct metadata metadata = {0};
    read_processes(&metadata, root);
    read_buildpacks(&metadata, root);
    return metadata;
}

struct metadata metadata_read(struct text layers_directory) {
    begin(CODE_METADATA, T("read metadata"));
    struct text path = PATH(layers_directory, T("config"), T("metadata.toml"));
    struct text document;
    long error = file_read(path, LARGEST, &document);
    if (error != 0) {
        fail(JOIN(T("open "), path, T(": "), reason_of(error)),
             T("the file is part of every app image; CNB_LAYERS_DIR says in which directory the layers are"));
    }
    return metadata_parse(document);
}

const struct buildpack *metadata_buildpack(const struct metadata *metadata, struct text id) {
    for (size_t i = 0; i < metadata->buildpack_count; i++) {
        if (text_equal(metadata->buildpacks[i].id, id)) {
            return &metadata->buildpacks[i];
        }
    }
    return NULL;
}
