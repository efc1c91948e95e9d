// SPDX-License-Identifier: Apache-2.0
// Where the layers of the image are, and what they say about the environment.
#ifndef LAYER_H
#define LAYER_H

#include "environment.h"
#include "metadata.h"

// The layer directories of one buildpack, by name.
struct layer_group {
    struct texts directories;
};

// One group per buildpack, in the order of the metadata.
struct layers {
    struct layer_group *groups;
    size_t count;
};

// Finds the layers. A buildpack without a directory has none; links to directories are no layers.
struct layers layers_find(struct text layers_directory, const struct metadata *metadata);

// Applies all layers to the environment: for each buildpack first the bin and lib directories, then the env files.
void layers_modify(const struct layers *layers, struct text process_type, struct environment *environment);

// The files of <layer>/<folder> and then of <layer>/<folder>/<process type>, layer by layer.
struct texts layers_files(const struct layers *layers, struct text folder, struct text process_type);

#endif
