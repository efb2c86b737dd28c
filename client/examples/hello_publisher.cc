// SPDX-License-Identifier: Apache-2.0
// Publishes a line to a topic: hello_publisher [BROKER [TOPIC [TEXT]]]
#include <cms/publisher.h>
#include <cms/session.h>

#include <cstdio>

int main(int argc, char** argv) {
  auto session = cms::Session::connect({.bootstrap = argc > 1 ? argv[1] : "127.0.0.1:9092"});
  if (!session) {
    std::fprintf(stderr, "%s\n", session.error().message.c_str());
    return 1;
  }
  cms::Publisher publisher = session->publisher();
  const char* const topic = argc > 2 ? argv[2] : "greetings";
  auto published = publisher.publish(topic, {.value = argc > 3 ? argv[3] : "hello"});
  auto flushed = publisher.flush(std::chrono::seconds(10));
  if (!published || !flushed) {
    std::fprintf(stderr, "%s\n", (published ? flushed.error() : published.error()).message.c_str());
    return 1;
  }
}
