// SPDX-License-Identifier: Apache-2.0
import '../ui/theme.css';
import './desk.css';
import './marks.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { openSession } from './open';
import { setSession } from './state/session.svelte';

const { session, secret } = await openSession();
setSession(session);
mount(App, { target: document.getElementById('app')!, props: { secret } });
