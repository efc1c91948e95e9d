// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include "failure.h"
#include "path.h"

// From these versions on: overridable arguments (platform and buildpack), and processes limited to an environment.
enum { PLATFORM_OVERRIDES = 10, BUILDPACK_OVERRIDES = 9, PLATFORM_EXEC_ENV = 15 };

static struct texts from(struct texts texts, size_t first) {
    return (struct texts){texts.items == NULL ? NULL : texts.items + first, texts.count - first, texts.count - first};
}

static struct texts together(struct texts left, struct texts right) {
    struct texts both = {0};
    texts_add_all(&both, left);
    texts_add_all(&both, right);
    return both;
}

static bool is_eligible(const struct process *process, struct request request) {
    return !api_is_at_least(request.platform, PLATFORM_EXEC_ENV) || process->exec_env.count == 0 ||
           texts_contain(process->exec_env, T("*")) || texts_contain(process->exec_env, request.exec_env);
}

static bool is_defined(const struct metadata *metadata, struct text type) {
    for (size_t i = 0; i < metadata->process_count; i++) {
        if (text_equal(metadata->processes[i].type, type)) {
            return true;
        }
    }
    return false;
}

static struct process find(const struct metadata *metadata, struct text type, struct request request) {
    for (size_t i = 0; i < metadata->process_count; i++) {
        if (text_equal(metadata->processes[i].type, type) && is_eligible(&metadata->processes[i], request)) {
            return metadata->processes[i];
        }
    }
    fail(JOIN(T("process type "), type, T(" was not found")),
         JOIN(T("its exec-env does not contain '"), request.exec_env, T("', the value of CNB_EXEC_ENV or its default")));
}

static struct api api_of(const struct metadata *metadata, const struct process *process) {
    const struct buildpack *buildpack = metadata_buildpack(metadata, process->buildpack);
    if (buildpack == NULL) {
        fail(JOIN(T("failed to find buildpack for process "), process->type, T(" with buildpack ID "), process->buildpack),
             NO_HINT);
    }
    return buildpack->api;
}

// Where the user's arguments go: instead of the default arguments where the buildpack's API has these, else behind.
static struct process with_args(const struct metadata *metadata, struct process process, struct request request) {
    if (!api_is_at_least(request.platform, PLATFORM_OVERRIDES)) {
        process.args = together(process.args, request.args);
    } else if (process.command.count > 1) {
        struct texts fixed = from(process.command, 1);
        process.command.count = 1;
        process.args = together(fixed, request.args.count > 0 ? request.args : process.args);
    } else if (request.args.count > 0) {
        bool replaces = api_is_at_least(api_of(metadata, &process), BUILDPACK_OVERRIDES);
        process.args = replaces ? request.args : together(process.args, request.args);
    }
    return process;
}

static struct process of_user(struct texts args) {
    if (args.count == 0) {
        fail(T("when there is no default process a command is required"),
             T("give a command, or start the image with a process type as its entrypoint"));
    }
    bool direct = args.count > 1 && text_equal(args.items[0], T("--"));
    size_t at = direct ? 1 : 0;
    struct process process = {.direct = direct, .args = from(args, at + 1)};
    texts_add(&process.command, args.items[at]);
    return process;
}

struct process process_choose(const struct metadata *metadata, struct request request) {
    enter(T("determine start command"));
    struct text type = path_base(request.self);
    bool defined = type.size > 0 && is_defined(metadata, type);
    struct process process =
        defined ? with_args(metadata, find(metadata, type, request), request) : of_user(request.args);
    leave();
    return process;
}
