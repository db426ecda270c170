// The page begins here.
import './style/tokens.css';
import './style/base.css';
import './style/parts.css';
import './style/pages.css';
import './style/meeting.css';
import './style/views.css';
import { render } from 'preact';
import { lookWhoIAm } from '../state/session.ts';
import { App } from './app.tsx';
import { api } from './env.ts';
import { preferredLanguage, setLanguage } from './i18n.ts';
import { takeInvitation } from './invitation.ts';
import { applyTheme } from './theme.ts';

takeInvitation();
const whoIAm = lookWhoIAm(api); // under way while the rest is made ready
whoIAm.catch(() => {}); // the page says so
applyTheme();
await setLanguage(preferredLanguage()).catch(() => {}); // English is there in any case
render(<App whoIAm={whoIAm} />, document.getElementById('app')!);
