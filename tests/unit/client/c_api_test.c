/* SPDX-License-Identifier: Apache-2.0
 * Proves that c_api.h is C99 and that the library can be used from C without a server: what is
 * written offline is there, shown as pending, and every bad input is a number, never a crash. */
#include "clients/native/c_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void check(int ok, const char* what, int line) {
  if (ok) return;
  fprintf(stderr, "c_api_test.c:%d: %s\n", line, what);
  failures++;
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static void on_event(void* user, const char* event_json) {
  (void)event_json;
  ++*(int*)user;
}

int main(void) {
  char folder[] = "/tmp/linli_c_api_XXXXXX";
  char options[128];
  char command[64];
  char* out = NULL;
  int events = 0;
  linli_client* client = NULL;
  linli_client* second = NULL;

  CHECK(strcmp(linli_version(), "1.0.0") == 0);
  CHECK(mkdtemp(folder) != NULL);
  snprintf(options, sizeof options, "{\"store\":\"%s\",\"wait_ms\":0}", folder);
  CHECK(linli_open("not json", &client, &out) == 40001);
  CHECK(client == NULL && out != NULL && strstr(out, "malformed") != NULL);
  linli_free(out);
  CHECK(linli_open("{\"store\":\"/nowhere\",\"encoding\":\"xml\"}", &client, NULL) == 40000);
  CHECK(client == NULL);
  CHECK(linli_open(options, NULL, NULL) == 40000);
  CHECK(linli_open(options, &client, NULL) == 0);
  CHECK(client != NULL);
  CHECK(linli_open(options, &second, NULL) == 50300);
  CHECK(second == NULL);

  CHECK(linli_status(client, &out) == 0);
  CHECK(out != NULL && strstr(out, "\"enrolled\":false") != NULL);
  linli_free(out);
  CHECK(linli_subscribe(client, on_event, &events) == 0);
  CHECK(linli_start(client, NULL) == 40100);
  CHECK(linli_mutate(client, "notice.seen", "{}", NULL) == 40100);
  CHECK(linli_mutate(client, NULL, "{}", NULL) == 40000);
  CHECK(linli_query(client, "{\"table\":\"notice\"}", &out) == 0);
  CHECK(out != NULL && strcmp(out, "{\"rows\":[]}") == 0);
  linli_free(out);
  CHECK(linli_query(client, "{\"list\":\"attention\"}", NULL) == 0);
  CHECK(linli_query(client, "{}", NULL) == 40000);
  CHECK(linli_act(client, "{\"do\":\"dismiss\",\"id\":7}", NULL) == 40400);
  CHECK(linli_act(client, "{\"do\":\"dance\"}", NULL) == 40000);
  CHECK(linli_act(client, "{\"do\":\"edit\",\"id\":1,\"args\":[]}", NULL) == 40000);
  CHECK(linli_act(client, "{\"do\":\"seen\",\"notice\":\"\"}", NULL) == 40000);
  CHECK(linli_act(client, "{\"do\":\"first_alert\",\"incident\":\"\"}", NULL) == 40000);
  CHECK(linli_act(client, "{\"do\":\"first_alert\",\"incident\":\"i\",\"severity\":\"red\"}",
                  &out) == 0);
  CHECK(out != NULL && strcmp(out, "{\"first\":true}") == 0);
  linli_free(out);
  CHECK(linli_act(client, "{\"do\":\"first_alert\",\"incident\":\"i\",\"severity\":\"red\"}",
                  &out) == 0);
  CHECK(out != NULL && strcmp(out, "{\"first\":false}") == 0);
  linli_free(out);
  CHECK(linli_enrol_confirm(client, "{\"person\":\"1\"}", NULL) == 40901);
  CHECK(linli_enrol_check(client, "{\"url\":\"nowhere\"}", NULL) == 40000);
  CHECK(linli_enrol_keep(client, "{\"url\":\"nowhere\"}", NULL) == 40000);
  CHECK(linli_enrol_keep(client, "{\"url\":\"http://127.0.0.1:1/c/x/#enrol=abc\"}", &out) == 0);
  CHECK(out != NULL && strstr(out, "\"state\":\"waiting\"") != NULL);
  linli_free(out);
  CHECK(linli_act(client, "{\"do\":\"choose_person\",\"person\":\"1\"}", NULL) == 40901);
  CHECK(linli_act(client, "{\"do\":\"forget_slip\"}", NULL) == 0);
  CHECK(linli_status(NULL, NULL) == 40000);
  CHECK(linli_stop(client, NULL) == 0);
  linli_close(client);
  linli_close(NULL);
  CHECK(events == 2);
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
  return failures == 0 ? 0 : 1;
}
