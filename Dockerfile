# CPU:  docker build -t studio . && docker run -p 7860:7860 -v studio:/data studio
# CUDA: docker build -t studio --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 . && docker run --gpus all …
FROM python:3.11-slim

# The CPU build of torch is a tenth of the CUDA build's size; a GPU box names another index.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN useradd --create-home --uid 1000 studio && mkdir /data && chown studio /data
WORKDIR /home/studio/app
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" torch==2.13.0 \
 && pip install --no-cache-dir -c constraints.txt -r requirements.txt
COPY --chown=studio . .
RUN pip install --no-cache-dir --no-deps --editable .

USER studio
ENV STUDIO_HOST=0.0.0.0 STUDIO_HOME=/data/studio PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"
CMD ["python", "app.py"]
