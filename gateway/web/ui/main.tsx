// The page begins here.
import './style/tokens.css';
import './style/base.css';
import './style/parts.css';
import './style/pages.css';
import './style/meeting.css';
import './style/views.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { preferredLanguage, setLanguage } from './i18n.ts';
import { takeInvitation } from './invitation.ts';
import { applyTheme } from './theme.ts';

takeInvitation();
applyTheme();
await setLanguage(preferredLanguage()).catch(() => {}); // English is there in any case
render(<App />, document.getElementById('app')!);
