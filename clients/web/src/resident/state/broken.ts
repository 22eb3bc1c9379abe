// SPDX-License-Identifier: Apache-2.0
// Stands in for a replica whose store cannot be opened: public notices and 581 go on working.
import type { Problem, Readable, Replica, Status } from '../../replica/api';

function always<T>(value: T): Readable<T> {
  return {
    subscribe(run) {
      run(value);
      return () => {};
    },
  };
}

export function brokenReplica(slug: string, trouble: Problem): Replica {
  const status: Status = {
    state: 'trouble', isConnected: false, isCaughtUp: false, pending: 0, confirmed: 0,
    attention: 0, filling: 0, contactAt: 0, digestMismatches: 0, clockOffset: 0, trouble,
    isRevoked: false, wasWiped: false, isFollower: false, isVolatile: true,
  };
  const refuse = () => Promise.reject(trouble);
  return {
    slug,
    status: always(status),
    rows: () => always([]),
    row: () => always(undefined),
    pending: always([]),
    attention: always([]),
    mutate: refuse,
    edit: refuse,
    withdraw: refuse,
    dismiss: refuse,
    mend: refuse,
    record: refuse,
    leadCode: refuse,
    noteSeen: () => Promise.resolve(),
    firstAlert: () => Promise.resolve(true),
    readSlip: refuse,
    choosePerson: refuse,
    forgetSlip: refuse,
    syncNow: () => {},
    token: refuse,
    signOut: refuse,
    exportUnsent: refuse,
    storage: refuse,
    close: () => Promise.resolve(),
  };
}
