# docker build --tag roarbench . && docker run --rm --volume "$PWD:/work" roarbench run
FROM python:3.12-slim
COPY . /roarbench
RUN cd /roarbench && pip install --no-cache-dir --constraint constraints.txt --editable .
WORKDIR /work
ENTRYPOINT ["roarbench"]
