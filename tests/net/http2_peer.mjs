// SPDX-License-Identifier: Apache-2.0
// An HTTP/2 server by Node: node http2_peer.mjs CERTIFICATE KEY. Prints its port.
import { readFileSync } from "node:fs";
import { createSecureServer, constants } from "node:http2";

const [certificate, key] = process.argv.slice(2);
const seen = {};
let sessions = 0;

const server = createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) });
server.on("session", () => ++sessions);
server.on("sessionError", () => {});
server.on("stream", (stream, headers) => {
  const path = headers[":path"];
  seen[path] = (seen[path] ?? 0) + 1;
  stream.on("error", () => {});
  let bytes = 0;
  stream.on("data", (part) => (bytes += part.length));
  stream.on("end", () => {
    if (path === "/cancel") return stream.close(constants.NGHTTP2_CANCEL);
    if (path === "/refuse") return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    if (path === "/die") return stream.session.destroy();
    const count = path.startsWith("/seen") ? (seen[path.slice(5)] ?? 0) : 0;
    stream.respond({ ":status": 201, "x-sessions": `${sessions}`, "x-bytes": `${bytes}` });
    stream.end(`${count}`);
  });
  stream.resume();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
