// Before the first paint, so that a chosen theme never flashes the other one. A file and not inline: the content-security policy allows no inline script.
try {
  const theme = localStorage.getItem('spanlink-theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {}
