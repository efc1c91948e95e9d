// SPDX-License-Identifier: Apache-2.0
// Any bytes as metadata.toml, then a choice among its processes.
#include "metadata.h"

#include "failure.h"
#include "harness.h"
#include "process.h"

static void check(const struct metadata *metadata) {
    for (size_t i = 0; i < metadata->process_count; i++) {
        struct process process = metadata->processes[i];
        promise(is_unicode(process.type) && is_unicode(process.working_directory) && is_unicode(process.buildpack),
                "strings are Unicode");
        for (size_t j = 0; j < process.command.count; j++) {
            promise(is_unicode(process.command.items[j]), "commands are Unicode");
        }
        for (size_t j = 0; j < process.args.count; j++) {
            promise(is_unicode(process.args.items[j]), "arguments are Unicode");
        }
    }
    for (size_t i = 0; i < metadata->buildpack_count; i++) {
        struct text id = metadata->buildpacks[i].id;
        promise(text_equal(metadata_buildpack(metadata, id)->id, id), "a buildpack is found by its id");
    }
}

static void target(struct text input) {
    struct metadata metadata = metadata_parse(input);
    check(&metadata);
    begin(CODE_LAUNCH, T("launch"));
    struct text words[] = {T("--"), T("word"), T("another")};
    for (size_t i = 0; i < metadata.process_count && i < 16; i++) {
        struct request request = {
            .platform = {0, 7 + i % 9},
            .self = metadata.processes[i].type,
            .args = {words, i % 4, i % 4},
            .exec_env = T("production"),
        };
        struct process process = process_choose(&metadata, request);
        struct process again = process_choose(&metadata, request);
        promise(text_equal(process.type, again.type) && process.args.count == again.args.count &&
                    process.command.count == again.command.count,
                "choosing changes nothing");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    attempt(target, bytes, size);
    return 0;
}
