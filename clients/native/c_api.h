// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Linli's replica library for Android (NDK) and iOS. Plain C99.
 *
 * Strings are UTF-8; values go in and out as JSON text. A function returns 0, or the number of an
 * error (base/errc.h: HTTP status x 100 + ordinal). `out` may be null; else it receives a JSON text
 * that the caller frees with linli_free(): the result, or
 * {"code":"...","text":"...","detail":"..."}.
 *
 * Threads: every function from any thread. A listener may call back, except that linli_start()
 * and linli_stop() answer 40901 (wrong_state) there and linli_close() does nothing; and nobody may
 * use a client while or after another thread closes it. linli_enrol_check and linli_enrol_confirm
 * wait for the network (at most 15 s each), linli_stop and linli_close up to 4 s, linli_subscribe
 * for a listener that runs; the others only for the local disk.
 *
 * Promise: within major version 1 no function goes away or changes its meaning; JSON objects may
 * gain members.
 */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct linli_client linli_client;

/* {"all":bool,"tables":[...],"status":bool}; valid during the call, which is on the library's
 * thread, or on the thread whose linli_mutate() or linli_act() changed something. Calls may
 * overlap. */
typedef void (*linli_listener)(void* user, const char* event_json);

/* "1.0.0"; never freed. */
const char* linli_version(void);

/* options: {"store":"DIR", "ca":"FILE"?, "app":"name/version"?, "encoding":"cbor"|"json"?,
 *           "wait_ms":5000?}: how long to wait for another process that holds the store.
 * *client is null after an error. One process at a time may hold a store. */
int linli_open(const char* options_json, linli_client** client, char** out);
/* Stops; null is fine. */
void linli_close(linli_client* client);

/* slip: {"url":"https://host/c/slug" or the slip's QR address, "code":"12345678"?, "door":"..."?}
 * -> {"household":"...","persons":[{"ref":"1","name":"..."}]} */
int linli_enrol_check(linli_client* client, const char* slip_json, char** out);
/* choice: {"person":"<ref of the last check>","label":"..."?,"purposes":[...]?} -> status.
 * When the answer does not come (50300, 40800, 42900) the slip is kept as by linli_enrol_keep. */
int linli_enrol_confirm(linli_client* client, const char* choice_json, char** out);
/* Without a connection: {"url","code"?,"door"?,"person"?,"label"?,"purposes"?} is stored, durable
 * when it returns 0, and completed by itself after linli_start() -> status, whose "slip" is
 * {"state":"waiting"|"choosing"|"refused","persons":[...],"problem"?:{...},...} until then.
 * "choosing" waits for linli_act choose_person; "refused" for another slip. Replaces an earlier
 * one. */
int linli_enrol_keep(linli_client* client, const char* slip_json, char** out);

/* Connects and stays connected in the background; completes a kept slip first. */
int linli_start(linli_client* client, char** out);
int linli_stop(linli_client* client, char** out);

/* Durable when it returns 0, with or without a connection. -> {"id":n} */
int linli_mutate(linli_client* client, const char* name, const char* args_json, char** out);

/* {"table":"notice"} or {"table":"notice","key":"..."} -> {"rows":[{"key","value","pending"}]};
 * {"list":"pending"} or {"list":"attention"}
 *   -> {"items":[{"id","lane","n","name","args","wall","code","msg"}]} */
int linli_query(linli_client* client, const char* query_json, char** out);

/* {"do":"edit"|"mend","id":n,"args":{...}} | {"do":"withdraw"|"dismiss","id":n} | {"do":"rekey"}
 * | {"do":"choose_person","person":"<ref>"} | {"do":"forget_slip"}
 * | {"do":"seen","notice":"..."} | {"do":"first_alert","incident":"...","severity":"..."}
 *   (-> {"first":bool}: sound it only then) */
int linli_act(linli_client* client, const char* action_json, char** out);

/* {"state":"synced"|"pending"|"syncing"|"offline"|"trouble","label":"...","pending":n,...} */
int linli_status(linli_client* client, char** out);

/* Replaces the listener; null ends it. When it returns, the old listener runs no more and `user`
 * may be freed; only a listener that replaces itself is still to return. */
int linli_subscribe(linli_client* client, linli_listener listener, void* user);

void linli_free(char* text);

#ifdef __cplusplus
}
#endif
