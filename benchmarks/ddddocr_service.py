"""ddddocr's model behind a plain FastAPI endpoint, as its users write it, for comparison with our service."""

import base64
import sys
from typing import Annotated

import ddddocr
import uvicorn
from fastapi import FastAPI, Form


def main() -> None:
    """Serves on the port given as the only argument."""
    app = FastAPI()
    ocr = ddddocr.DdddOcr(show_ad=False)

    @app.post("/")
    def predict(img: Annotated[str, Form()]) -> dict:
        return {"result": ocr.classification(base64.b64decode(img))}

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
