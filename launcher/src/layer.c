// SPDX-License-Identifier: Apache-2.0
#include "layer.h"

#include "failure.h"
#include "file.h"
#include "memory.h"
#include "path.h"

// A buildpack's directory is named by its id, with an underscore for each slash.
static struct text escape(struct text id) {
    char *name = text_string(id);
    for (size_t i = 0; i < id.size; i++) {
        name[i] = name[i] == '/' ? '_' : name[i];
    }
    return (struct text){name, id.size};
}

static struct entries list(struct text directory) {
    enter(JOIN(T("failed to list files in dir '"), directory, T("'")));
    struct entries entries = directory_entries(directory);
    leave();
    return entries;
}

struct layers layers_find(struct text layers_directory, const struct metadata *metadata) {
    enter(T("modify env"));
    struct layers layers = {allocate_array(metadata->buildpack_count, sizeof(struct layer_group)), metadata->buildpack_count};
    for (size_t i = 0; i < layers.count; i++) {
        struct text directory = PATH(layers_directory, escape(metadata->buildpacks[i].id));
        struct entries entries = list(directory);
        for (size_t j = 0; j < entries.count; j++) {
            if (entries.items[j].kind == KIND_DIRECTORY) {
                texts_add(&layers.groups[i].directories, PATH(directory, entries.items[j].name));
            }
        }
    }
    leave();
    return layers;
}

static void add_files(struct text directory, struct texts *files) {
    struct entries entries = list(directory);
    for (size_t i = 0; i < entries.count; i++) {
        if (entries.items[i].kind != KIND_DIRECTORY) {
            texts_add(files, PATH(directory, entries.items[i].name));
        }
    }
}

struct texts layers_files(const struct layers *layers, struct text folder, struct text process_type) {
    struct texts files = {0};
    for (size_t i = 0; i < layers->count; i++) {
        struct texts directories = layers->groups[i].directories;
        for (size_t j = 0; j < directories.count; j++) {
            struct text directory = PATH(directories.items[j], folder);
            add_files(directory, &files);
            if (process_type.size > 0) {
                add_files(PATH(directory, process_type), &files);
            }
        }
    }
    return files;
}
