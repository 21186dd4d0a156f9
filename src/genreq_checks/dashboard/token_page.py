"""The page that requires the token: static, without a script, and readable by everyone."""

LOGIN = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>genreq-checks</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 24rem; margin: 15vh auto; padding: 0 1rem; }
input, button { font: inherit; padding: .5rem; width: 100%; box-sizing: border-box; margin-top: .5rem; }
</style>
</head>
<body>
<main>
<h1>Dashboard</h1>
<form method="post">
<label for="token">Token</label>
<input id="token" name="access_token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button>
</form>
<p>The person who started the dashboard has the token: it is in the file that was named at the start.</p>
</main>
</body>
</html>
"""
