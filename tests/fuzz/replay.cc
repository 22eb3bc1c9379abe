// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: every file of the folder given, each of its prefixes, and
// every single byte. What once broke the target goes into its corpus, and is found here again.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::uint8_t> bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// In memory of exactly this size, so that a sanitizer sees a read beyond the end.
void run(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> exact(data, data + size);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    const auto bytes = bytes_of(entry.path());
    for (std::size_t size = 0; size <= bytes.size(); ++size) run(bytes.data(), size);
    ++files;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto one = static_cast<std::uint8_t>(byte);
    run(&one, 1);
  }
  std::cout << files << " files\n";
  return files > 0 ? 0 : 1;
}
