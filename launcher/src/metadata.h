// SPDX-License-Identifier: Apache-2.0
// What the build left for the launch in <layers>/config/metadata.toml.
#ifndef METADATA_H
#define METADATA_H

#include "api.h"
#include "text.h"

struct process {
    struct text type;               // empty for a command of the user's
    struct texts command;
    struct texts args;
    bool direct;                    // started as it is, without a shell
    struct text buildpack;          // the id of the buildpack that defined it; empty for a command of the user's
    struct text working_directory;  // empty for the app directory
    struct texts exec_env;          // empty for all
};

struct buildpack {
    struct text id;
    struct api api;
};

struct metadata {
    struct process *processes;
    size_t process_count;
    struct buildpack *buildpacks;
    size_t buildpack_count;
};

// Reads the file of a layers directory. Fails the launch with exit code 1 when it is missing or not as specified, and
// with 12 when a buildpack has an API that this launcher does not know.
struct metadata metadata_read(struct text layers_directory);

// The same from the file's text.
struct metadata metadata_parse(struct text document);

// The buildpack with the id, or null.
const struct buildpack *metadata_buildpack(const struct metadata *metadata, struct text id);

#endif
