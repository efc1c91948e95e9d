#!/usr/bin/env bash
# An app that needs nothing but a shell.
echo "Hello from bash-script, started as: $0${*:+ $*}"
ls -1
