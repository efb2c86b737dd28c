// SPDX-License-Identifier: Apache-2.0
// Prints what is published to a topic: hello_subscriber [BROKER [TOPIC]]
#include <cms/session.h>
#include <cms/subscriber.h>

#include <cstdio>

int main(int argc, char** argv) {
  auto session = cms::Session::connect({.bootstrap = argc > 1 ? argv[1] : "127.0.0.1:9092"});
  if (!session) {
    std::fprintf(stderr, "%s\n", session.error().message.c_str());
    return 1;
  }
  cms::Subscriber subscriber = session->subscriber({.on_record = [](const cms::ReceivedRecord& record) {
    const std::string_view text = record.value ? record.value->text() : "";
    std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
    std::fflush(stdout);
  }});
  if (auto subscribed = subscriber.subscribe({.topics = argc > 2 ? argv[2] : "greetings"}); !subscribed) {
    std::fprintf(stderr, "%s\n", subscribed.error().message.c_str());
    return 1;
  }
  while (session->poll(std::chrono::seconds(60))) {
  }
}
