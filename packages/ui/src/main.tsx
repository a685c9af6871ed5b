import { render } from 'preact'
import './styles/reset.css'
import './styles/tokens.css'
import './styles/base.css'
import './components/labels/tags.css'
import './components/notice.css'
import './app/announcer.css'
import './app/header.css'
import './traces/query/query.css'
import './components/list/list.css'
import './components/filters/filters.css'
import './traces/traces.css'
import './trace/trace.css'
import './trace/waterfall/waterfall.css'
import './components/details/details-panel.css'
import './components/details/attribute-table.css'
import './trace/span-panel/links.css'
import './trace/span-panel/events.css'
import './connect/connect.css'
import './styles/narrow.css'
import { listenToKeys } from './app/keyboard.ts'
import { interceptLinks } from './lib/url.ts'
import { App } from './app/app.tsx'

const root = document.getElementById('app')
if (root === null) throw new Error('index.html has no element #app')
interceptLinks()
listenToKeys()
render(<App />, root)
