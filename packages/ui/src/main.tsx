import { render } from 'preact'
import './style/reset.css'
import './style/tokens.css'
import './style/base.css'
import './style/header.css'
import './style/query.css'
import './style/list.css'
import './style/traces.css'
import './style/trace.css'
import './style/waterfall.css'
import './style/panel.css'
import './style/connect.css'
import './style/narrow.css'
import { listenToKeys } from './state/keyboard.ts'
import { interceptLinks } from './state/url.ts'
import { App } from './view/app.tsx'

const root = document.getElementById('app')
if (root === null) throw new Error('index.html has no element #app')
interceptLinks()
listenToKeys()
render(<App />, root)
