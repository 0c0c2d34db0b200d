"""Has Chromium open a page, and looks at what comes of it. Arguments: its directory, the address, the screenshot.

Prints the results of the page, what the console has, and how requests failed, as JSON.
"""

import asyncio
import base64
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import websockets

directory, address, screenshot = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
PATIENCE = 60  # seconds

chromium = subprocess.Popen(
    [
        "/usr/bin/chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-extensions",
        "--no-proxy-server", "--ignore-certificate-errors", "--remote-debugging-port=0", "--window-size=900,700",
        f"--user-data-dir={directory / 'profile'}", "about:blank",
    ],
    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(directory / "chromium.log", "wb"),
)


def debugger():
    """Where the page can be talked to."""
    ports = directory / "profile/DevToolsActivePort"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            port = ports.read_text().splitlines()[0]
            pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
            return next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        except (OSError, IndexError, StopIteration):
            time.sleep(0.05)
    raise SystemExit("Chromium does not start:\n" + (directory / "chromium.log").read_text(errors="replace"))


async def main():
    said, failed, number = [], [], 0
    async with websockets.connect(debugger(), max_size=None) as page:

        def note(event):
            kind, about = event.get("method"), event.get("params", {})
            if kind == "Runtime.consoleAPICalled":
                said.append([about["type"], [argument.get("value") for argument in about["args"]]])
            elif kind == "Runtime.exceptionThrown":
                said.append(["exception", about["exceptionDetails"]["text"]])
            elif kind == "Log.entryAdded":
                entry = about["entry"]
                said.append([entry["level"], entry["text"], entry.get("url")])
            elif kind == "Network.loadingFailed" and not about.get("canceled"):
                failed.append(about["errorText"])

        async def ask(method, **parameters):
            nonlocal number
            number += 1
            await page.send(json.dumps({"id": number, "method": method, "params": parameters}))
            while True:
                answer = json.loads(await asyncio.wait_for(page.recv(), PATIENCE))
                if answer.get("id") == number:
                    return answer["result"]
                note(answer)

        async def evaluate(expression):
            return (await ask("Runtime.evaluate", expression=expression))["result"].get("value")

        for domain in ("Runtime", "Log", "Network", "Page"):
            await ask(f"{domain}.enable")
        await ask("Page.navigate", url=address)
        end = time.monotonic() + PATIENCE
        while await evaluate("document.title") != "done":
            assert time.monotonic() < end, f"the page is not done: {said} {failed}"
            await asyncio.sleep(0.1)
        results = json.loads(await evaluate("JSON.stringify(results)"))
        image = await ask("Page.captureScreenshot", format="png")
        screenshot.write_bytes(base64.b64decode(image["data"]))
    print(json.dumps({"results": results, "said": said, "failed": failed}))


try:
    asyncio.run(main())
finally:
    chromium.terminate()
    chromium.wait()
