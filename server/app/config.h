// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace linli::app {

/// Everything an operator may set. Each member has one row in the table of config.cc.
struct Config {
  struct {
    std::vector<std::string> listen;
    std::vector<std::string> listen_tls;
    std::vector<std::string> origins;
    std::int64_t loops = 0;
    std::int64_t connections_max = 0;
    std::int64_t body_bytes_max = 0;
    std::int64_t drain_seconds = 0;
  } server;
  struct {
    std::string certificate;
    std::string key;
  } tls;
  struct {
    std::string folder;
    std::int64_t readers = 0;
  } data;
  struct {
    std::int64_t window_bytes = 0;
  } sync;
  struct {
    std::string channels;
    std::string mode;
    std::string escalation;
  } gateway;
  struct {
    std::string root;
  } web;
  struct {
    std::vector<std::string> pdf_command;
  } certificates;
  struct {
    std::vector<std::string> allow;
  } metrics;
  struct {
    std::string level;
  } log;
};

/// The defaults of the table.
Config default_config();
/// Defaults overlaid with the TOML text of a file. Every fault is reported, one line each:
/// `file:line: key: what is wrong`. Errors: invalid_argument; detail holds the lines.
Result<Config> parse_config(std::string_view text, const std::string& file);
/// Errors: io, and those of parse_config.
Result<Config> load_config(const std::string& file);
/// Annotated TOML of all defaults: config/linlid.toml.
std::string print_default_config();

}  // namespace linli::app
