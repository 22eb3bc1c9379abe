// SPDX-License-Identifier: Apache-2.0
#include "server/app/metrics.h"

#include <chrono>
#include <cmath>
#include <fstream>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

namespace linli::app {
namespace {

using prometheus::MetricType;

class Page {
 public:
  Page& family(const std::string& name, const std::string& help, MetricType type) {
    families_.push_back({name, help, type, {}});
    return *this;
  }
  Page& add(double value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
    auto& family = families_.back();
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    if (family.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family.metric.push_back(std::move(metric));
    return *this;
  }
  void add(prometheus::ClientMetric metric) {
    families_.back().metric.push_back(std::move(metric));
  }
  [[nodiscard]] std::string text() const {
    return prometheus::TextSerializer().Serialize(families_);
  }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

double number(std::uint64_t value) { return static_cast<double>(value); }

double resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  in >> total >> resident;
  return number(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void add_process(Page& page, const MetricSources& from) {
  page.family("linli_info", "Version of the server.", MetricType::Gauge)
      .add(1, {{"version", from.version}});
  page.family("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge)
      .add(resident_bytes());
  page.family("linli_draining", "1 while the server takes its leave.", MetricType::Gauge)
      .add(from.draining ? 1 : 0);
  page.family("linli_connections_max", "Sync sockets the server may hold.", MetricType::Gauge)
      .add(number(from.connections_max));
  page.family("linli_sockets_refused_total", "Sockets turned away at accept.", MetricType::Counter)
      .add(number(from.refused_sockets));
  if (from.certificate_not_after > 0)
    page.family("linli_tls_not_after_seconds", "End of the certificate.", MetricType::Gauge)
        .add(static_cast<double>(from.certificate_not_after));
}

void add_http(Page& page, const net::HttpStats& http) {
  page.family("linli_http_connections", "Open HTTP connections.", MetricType::Gauge)
      .add(static_cast<double>(http.open));
  page.family("linli_http_requests_total", "Requests read.", MetricType::Counter)
      .add(number(http.requests));
  page.family("linli_http_malformed_total", "Requests that broke a rule.", MetricType::Counter)
      .add(number(http.malformed));
  page.family("linli_http_timeouts_total", "Reads past their deadline.", MetricType::Counter)
      .add(number(http.timed_out));
  page.family("linli_http_errors_total", "Answers 500 and above.", MetricType::Counter)
      .add(number(http.failed));
}

template <class Member>
double sum(const std::vector<const ws::SyncStats*>& shards, Member member) {
  double out = 0;
  for (const auto* shard : shards) out += static_cast<double>((shard->*member).load());
  return out;
}

void add_sync(Page& page, const std::vector<const ws::SyncStats*>& shards) {
  using S = ws::SyncStats;
  page.family("linli_sync_connections", "Open sync sockets.", MetricType::Gauge)
      .add(sum(shards, &S::open));
  const auto counter = [&](const char* name, const char* help, auto member) {
    page.family(std::string("linli_sync_") + name, help, MetricType::Counter)
        .add(sum(shards, member));
  };
  counter("opened_total", "Sockets upgraded.", &S::opened);
  counter("refused_total", "Upgrades and sign-ins refused.", &S::refused);
  counter("messages_in_total", "Messages from phones.", &S::messages_in);
  counter("bytes_in_total", "Bytes from phones.", &S::bytes_in);
  counter("messages_out_total", "Messages to phones.", &S::messages_out);
  counter("frames_out_total", "Frames to phones.", &S::frames_out);
  counter("bytes_out_total", "Bytes to phones.", &S::bytes_out);
  counter("mutations_refused_total", "Pushed while the writer's queue was full.",
          &S::mutations_refused);
  counter("lags_total", "Times a slow phone fell into lag mode.", &S::lags);
}

void add_communities(Page& page, const std::vector<const CommunityRuntime*>& communities) {
  const auto family = [&](const char* name, const char* help, MetricType type, auto value) {
    page.family(std::string("linli_community_") + name, help, type);
    for (const auto* c : communities)
      page.add(static_cast<double>(value(c->stats())), {{"community", c->slug()}});
  };
  using R = const RuntimeStats&;
  family("writable", "1 = the store takes writes.", MetricType::Gauge,
         [](R s) { return s.writable ? 1 : 0; });
  family("head", "Last seq.", MetricType::Gauge, [](R s) { return s.head.load(); });
  family("queued", "Mutations waiting for the writer.", MetricType::Gauge,
         [](R s) { return s.queued.load(); });
  family("mutations_total", "Mutations run.", MetricType::Counter,
         [](R s) { return s.mutations.load(); });
  family("batches_total", "Durable batches.", MetricType::Counter,
         [](R s) { return s.batches.load(); });
  family("batch_seconds_total", "Time in batches.", MetricType::Counter,
         [](R s) { return number(s.batch_us) / 1e6; });
  family("batch_seconds_max", "Slowest batch.", MetricType::Gauge,
         [](R s) { return number(s.batch_us_max) / 1e6; });
  family("refused_total", "Mutations refused for a full queue.", MetricType::Counter,
         [](R s) { return s.refused.load(); });
  family("store_failures_total", "Batches the store refused.", MetricType::Counter,
         [](R s) { return s.store_failures.load(); });
  family("reads_total", "Queries and pages read.", MetricType::Counter,
         [](R s) { return s.reads.load(); });
  family("page_hits_total", "Pages served without a read.", MetricType::Counter,
         [](R s) { return s.page_hits.load(); });
  family("page_misses_total", "Pages read and encoded.", MetricType::Counter,
         [](R s) { return s.page_misses.load(); });
}

/// One line a channel: its numbers with the labels that all of them have.
struct ChannelLine {
  GatewayLook::Channel channel;
  std::vector<prometheus::ClientMetric::Label> labels;
};

prometheus::ClientMetric histogram_of(const ChannelLine& line) {
  const notify::LatencyHistogram& from = line.channel.sender.counts.latency;
  prometheus::ClientMetric out;
  out.label = line.labels;
  for (std::size_t n = 0; n < from.counts.size(); ++n) {
    out.histogram.sample_count += from.counts[n];
    const double bound = n < from.kBounds.size() ? from.kBounds[n] : HUGE_VAL;
    out.histogram.bucket.push_back({out.histogram.sample_count, bound});
  }
  out.histogram.sample_sum = from.sum_s;
  return out;
}

void add_counts(Page& page, const std::vector<ChannelLine>& lines) {
  const auto family = [&](const char* name, const char* help, MetricType type, auto value) {
    page.family(std::string("linli_gateway_") + name, help, type);
    for (const ChannelLine& line : lines)
      page.add(static_cast<double>(value(line.channel)), line.labels);
  };
  using C = const GatewayLook::Channel&;
  family("attempts_total", "Submissions to a channel.", MetricType::Counter,
         [](C c) { return c.sender.counts.attempts; });
  family("parts_total", "Billed parts that peers took.", MetricType::Counter,
         [](C c) { return c.sender.counts.parts; });
  family("cost_yuan_total", "What was submitted, by the configured price.", MetricType::Counter,
         [](C c) { return static_cast<double>(c.sender.counts.cost) / 10'000; });
  family("in_flight", "Submitted and not answered.", MetricType::Gauge,
         [](C c) { return c.sender.in_flight; });
  family("rate_parts", "Present rate in parts a second.", MetricType::Gauge,
         [](C c) { return c.sender.rate; });
  family("breaker_open", "1 = the peer fails too often; one probe at a time goes out.",
         MetricType::Gauge, [](C c) { return c.sender.is_open ? 1 : 0; });
  family("paused", "1 = stands still until a person releases it.", MetricType::Gauge,
         [](C c) { return c.sender.paused.empty() ? 0 : 1; });
  family("owed", "Steps that came while no channel of the medium could be used.", MetricType::Gauge,
         [](C c) { return c.sender.owed; });
  family("oldest_seconds", "How long the oldest that is ready or owed waits; 0 = none does.",
         MetricType::Gauge, [](C c) {
           return std::chrono::duration<double>(c.sender.oldest.value_or(Millis{0})).count();
         });
  family("up", "0 = the peer cannot be reached.", MetricType::Gauge,
         [](C c) { return c.health.state == notify::Health::State::down ? 0 : 1; });
}

void add_gateways(Page& page, const MetricSources& from) {
  std::vector<ChannelLine> lines;
  for (const auto& [slug, gateway] : from.gateways)
    for (auto& channel : gateway->channels())
      lines.push_back(
          {channel,
           {{"community", slug}, {"channel", channel.sender.name}, {"medium", channel.medium}}});
  const auto with = [](const ChannelLine& line, const char* label, std::string_view value) {
    auto out = line.labels;
    out.push_back({label, std::string(value)});
    return out;
  };
  add_counts(page, lines);
  page.family("linli_gateway_outcomes_total", "Answers of peers.", MetricType::Counter);
  for (const ChannelLine& line : lines)
    for (std::size_t n = 0; n < notify::kOutcomeNames.size(); ++n)
      page.add(number(line.channel.sender.counts.outcomes[n]),
               with(line, "outcome", notify::kOutcomeNames[n]));
  page.family("linli_gateway_queued", "Ready or owed over the medium.", MetricType::Gauge);
  for (const ChannelLine& line : lines)
    for (std::size_t n = 0; n < notify::kLaneNames.size(); ++n)
      page.add(static_cast<double>(line.channel.sender.queued[n]),
               with(line, "lane", notify::kLaneNames[n]));
  page.family("linli_gateway_answer_seconds", "From submission to outcome.", MetricType::Histogram);
  for (const ChannelLine& line : lines) page.add(histogram_of(line));
  page.family("linli_community_backup_age_seconds", "Since the last backup.", MetricType::Gauge);
  for (const auto& [slug, gateway] : from.gateways)
    if (const auto age = gateway->backup_age())
      page.add(std::chrono::duration<double>(*age).count(), {{"community", slug}});
}

}  // namespace

std::string metrics_text(const MetricSources& from) {
  Page page;
  add_process(page, from);
  if (from.http != nullptr) add_http(page, *from.http);
  add_sync(page, from.shards);
  add_communities(page, from.communities);
  add_gateways(page, from);
  return page.text();
}

}  // namespace linli::app
